import { beforeEach } from 'vitest'
import { WITHOUT_CHROMIUM, chromiumPath } from './find-chromium.ts'

beforeEach(({ skip }) => skip(chromiumPath() === undefined, WITHOUT_CHROMIUM))
