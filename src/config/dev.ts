/** `staffetta dev` (`npm start`): no file, no question, nothing leaves the machine. */
import { thisMachine } from './machine.ts'
import { configSchema } from './schema.ts'
import type { Listener, Settings } from './settings.ts'

export interface DevOptions {
  /** The data folder, relative to the current one. Default: './data'. */
  readonly data?: string | undefined
  /** Other ports; 0 takes any that is free. */
  readonly ports?: Partial<DevPorts> | undefined
}

export interface DevPorts {
  readonly smtp: number
  readonly submission: number
  readonly submissions: number
  readonly imap: number
  readonly imaps: number
  readonly pop3: number
  readonly pop3s: number
}

export const DEV_DOMAIN = 'staffetta.test'
/** The account that gets everything for other domains. */
export const DEV_CAUGHT = `caught@${DEV_DOMAIN}`
export const DEV_PORTS: DevPorts = {
  smtp: 2525,
  submission: 2587,
  submissions: 2465,
  imap: 2143,
  imaps: 2993,
  pop3: 2110,
  pop3s: 2995,
}

const LOOPBACK = ['127.0.0.0/8', '::1/128']

/** On loopback only. Local programs may hand in mail without login; what is for other domains lands in `DEV_CAUGHT`. */
export function devSettings({ data = './data', ports = {} }: DevOptions = {}): Settings {
  const machine = thisMachine(process.cwd())
  const checked = configSchema(machine).parse({
    hostname: DEV_DOMAIN,
    data,
    relayFrom: LOOPBACK,
    cleartextLoginFrom: LOOPBACK,
    routes: [{ to: '*', mailbox: DEV_CAUGHT }],
  })
  return {
    ...checked,
    user: undefined,
    tls: undefined,
    functionsFrom: undefined,
    dev: true,
    listeners: devListeners(machine.ipv6, { ...DEV_PORTS, ...ports }),
  }
}

function devListeners(ipv6: boolean, ports: DevPorts): Listener[] {
  const hosts = ipv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']
  const kinds = ['smtp', 'submission', 'submissions', 'imap', 'imaps', 'pop3', 'pop3s'] as const
  return kinds.flatMap(kind =>
    hosts.map((host): Listener => ({ kind, on: 'tcp', host, port: ports[kind], proxyFrom: [] })),
  )
}
