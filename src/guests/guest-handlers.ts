import type { Handlers } from '../core/client/handler.ts'
import { GuestBook } from './guest-book.ts'
import type { GuestBookOptions } from './guest-book.ts'

type GuestHandlers = Pick<Handlers, 'listGuests' | 'guest' | 'reportGuest' | 'followGuests'>

/** Answers the operations about guests, from a book of their own. */
export function guestHandlers(options: GuestBookOptions): GuestHandlers {
  const book = new GuestBook(options)
  return {
    listGuests: async () => ({ guests: book.list() }),
    guest: async ({ id }) => book.show(id),
    reportGuest: async ({ source, message }) => {
      if (message) book.report(source, message)
      else book.leave(source)
      return { accepted: true }
    },
    followGuests: ({ from }, { signal }) => book.follow(from, signal),
  }
}
