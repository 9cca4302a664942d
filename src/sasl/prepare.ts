import { createRequire } from 'node:module'

let library: typeof import('@mongodb-js/saslprep') | undefined

/** Its tables take 2.5 MB, so it is loaded with the first name or password that isn't plain ASCII. */
function saslprep(text: string): string {
  library ??= createRequire(import.meta.url)('@mongodb-js/saslprep') as typeof import('@mongodb-js/saslprep')
  return library.saslprep(text, { allowUnassigned: true })
}

const PRINTABLE_ASCII = /^[ -~]*$/

/**
 * RFC 4013: the one form in which names and passwords are compared. undefined: it holds characters that are prohibited,
 * or nothing is left of it.
 */
export function prepare(text: string): string | undefined {
  if (PRINTABLE_ASCII.test(text)) return text === '' ? undefined : text // RFC 4013 maps nothing there
  try {
    // RFC 4013 §2.5 would have unassigned code points refused in what is stored; its Unicode is 3.2 of 2002, and an emoji
    // in a password is none the worse for being younger.
    return saslprep(text) || undefined
  } catch {
    return undefined // the library's way to say: prohibited
  }
}
