/** The contents of messages that come in as literals of one command (APPEND, REPLACE), until the command has been carried out. */
import type { Content } from '../../mail/content.ts'
import type { MessageCollector } from '../collector.ts'
import type { ImapServices } from './session.ts'

const NOTHING_HELD: readonly (() => void)[] = []

export class Contents {
  readonly #services: Pick<ImapServices, 'collect' | 'discard'>
  #collector: MessageCollector | undefined
  /** By the number of their literal. */
  #finished: Map<number, Content | undefined> | undefined
  /** How those in memory stop to count among what this thread receives: with much of it, what comes then goes to files. */
  #releases = NOTHING_HELD

  constructor(services: Pick<ImapServices, 'collect' | 'discard'>) {
    this.#services = services
  }

  begin(): void {
    this.#collector = this.#services.collect()
  }

  /** A promise: to be waited for before more is read. */
  take(bytes: Buffer): Promise<void> | undefined {
    this.#collector?.take(bytes)
    return this.#collector?.pressure()
  }

  /** The literal of this number has come as a whole. `isWanted`: whether the session is still there when it is on the disk. */
  end(number: number, isWanted: () => boolean): Promise<void> | undefined {
    const collector = this.#collector
    this.#collector = undefined
    if (!collector) return undefined
    const content = collector.finish(Buffer.alloc(0))
    const keep = (whole: Content | undefined): void => {
      if (!isWanted()) {
        collector.discard()
        return
      }
      this.#finished ??= new Map()
      this.#finished.set(number, whole)
      this.#releases = [...this.#releases, collector.hold()]
    }
    if (content instanceof Promise) return content.then(keep)
    keep(content)
    return undefined
  }

  get(number: number): Content | undefined {
    return this.#finished?.get(number)
  }

  /** The storage has them. */
  stored(): void {
    this.#finished = undefined
    for (const release of this.#releases) release()
    this.#releases = NOTHING_HELD
  }

  /** Nobody took them. */
  drop(): void {
    this.#collector?.discard()
    this.#collector = undefined
    for (const content of this.#finished?.values() ?? []) if (content) this.#services.discard(content)
    this.stored()
  }
}
