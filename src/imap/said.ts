/** What a client's text means, for tests: read and parsed as the loop does it. */
import { type Input, InputReader } from './input.ts'
import { messageLiteral, type Parsed, parseCommand } from './parse.ts'

/** Every input that comes of these chunks; what is a message is streamed. */
export function inputsOf(chunks: Iterable<Buffer>, reader = new InputReader()): Input[] {
  const inputs: Input[] = []
  for (const chunk of chunks) {
    reader.feed(chunk)
    for (let input = reader.next('command'); input; input = reader.next('command')) {
      inputs.push(input)
      if (input.is === 'literal') reader.accept(messageLiteral(input.before) ? 'stream' : 'memory')
    }
  }
  return inputs
}

/** The one command in a text (octets as characters, CRLF is added); undefined: there is none in it, or something else too. */
export function said(text: string, utf8 = false): Parsed | undefined {
  const inputs = inputsOf([Buffer.from(`${text}\r\n`, 'latin1')])
  const last = inputs.pop()
  const alone = inputs.every(({ is }) => is === 'literal' || is === 'content' || is === 'content-end')
  return alone && last?.is === 'command' ? parseCommand(last.command, { utf8 }) : undefined
}
