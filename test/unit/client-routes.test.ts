import { expect, test } from 'vitest'
import { routes, streamNames } from '../../src/client/routes.ts'
import { operations } from '../../src/core/client/client.ts'

test('the routes of the client are those of the table', () => {
  const table = Object.entries(operations)
  expect(routes).toEqual(Object.fromEntries(table.map(([name, { http }]) => [name, http])))
  expect(new Set(streamNames)).toEqual(new Set(table.filter(([, { stream }]) => stream).map(([name]) => name)))
})
