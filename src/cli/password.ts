/** Passwords come from the terminal without being shown, or from the standard input; never from the arguments, which others can see. */
import { hashPassword } from '../directory/passwords.ts'
import { readPassword } from '../sasl/credentials.ts'
import { CommandError, EXIT, usage } from './access.ts'
import { readInput } from './input.ts'

/** Characters; NIST SP 800-63B §3.1.1.2: at least 8, and no rules about their kinds. */
const LEAST = 8
const MOST = 1024 // bytes, as the log-in takes them

/** Asks twice on a terminal. `allowShort`: a password from elsewhere that can't be chosen anew. Throws CommandError for a password that cannot be used. */
export async function newPasswordHash(whom: string, fromStdin: boolean, allowShort: boolean): Promise<string> {
  return (await newPasswordHasher(whom, fromStdin, allowShort))()
}

/** For several who get the same password: what is answered makes another hash of it each time. */
export async function newPasswordHasher(
  whom: string,
  fromStdin: boolean,
  allowShort: boolean,
): Promise<() => Promise<string>> {
  const password = fromStdin ? await passwordFromStdin() : await askTwice(whom)
  const prepared = readPassword(Buffer.from(password))
  if (prepared === undefined)
    throw usage('the password cannot be used: it is empty, too long, or holds control characters')
  if (!allowShort && Array.from(prepared).length < LEAST)
    throw usage(`the password is too short: choose ${LEAST} characters or more (--allow-short takes it all the same)`)
  return async () => {
    const hash = await hashPassword(password)
    if (hash === undefined) throw usage('the password holds characters that no log-in could send')
    return hash
  }
}

/** The first line. */
export async function passwordFromStdin(): Promise<string> {
  const text = (await readInput(MOST + 2)).toString()
  return text.replace(/\r?\n[^]*$/, '')
}

async function askTwice(whom: string): Promise<string> {
  const password = await askPassword(`Password for ${whom}: `)
  if ((await askPassword('The same again: ')) === password) return password
  throw new CommandError('the two were not the same; nothing was changed')
}

/** Without echo. Throws CommandError when there is no terminal, or on Ctrl-C. */
export function askPassword(question: string): Promise<string> {
  const { stdin, stderr } = process
  if (!stdin.isTTY)
    throw usage('there is no terminal to ask for the password; add --password-stdin and hand it in there')
  stderr.write(question)
  stdin.setRawMode(true)
  stdin.resume()
  let typed = ''
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      stdin.off('data', take)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
      settle()
    }
    const take = (chunk: Buffer): void => {
      for (const key of chunk.toString()) {
        if (key === '\r' || key === '\n') return end(() => resolve(typed))
        if (key === '\u0003' || key === '\u0004')
          return end(() => reject(new CommandError('nothing was changed', EXIT.nothing)))
        if (key === '\u007f' || key === '\b') typed = Array.from(typed).slice(0, -1).join('')
        else if (typed.length < MOST) typed += key
      }
    }
    stdin.on('data', take)
  })
}
