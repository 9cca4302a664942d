import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { defineServer, type RouteConfig, type ServerConfig } from './define.ts'
import type { configSchema } from './schema.ts'

type Input = z.input<ReturnType<typeof configSchema>>

/** Without the `| undefined` of optional keys, which zod allows and the hand-written types leave out. */
type Exact<T> = T extends (...args: never) => unknown
  ? T
  : T extends object
    ? { [K in keyof T]: Exact<Exclude<T[K], undefined>> }
    : T
type WithoutRoutes<T> = Omit<T, 'routes' | 'listeners' | 'tls'>
/** All keys, also those within sections: an assignment alone would let further keys pass. */
type Keys<T> = T extends readonly unknown[] | string | number
  ? never
  : { [K in keyof T & string]: K | `${K}.${Keys<NonNullable<T[K]>>}` }[keyof T & string]

function accepts<Wanted>(value: Wanted): Wanted {
  return value
}

/** Never run: these lines are checked by the compiler. */
function compileTime(written: Required<ServerConfig>, schema: Exact<Required<Input>>, route: RouteConfig): void {
  type Ours = Keys<WithoutRoutes<Required<ServerConfig>>>
  type Schemas = Keys<WithoutRoutes<typeof schema>>
  accepts<(key: Ours) => void>((key: Schemas) => key)
  accepts<(key: Schemas) => void>((key: Ours) => key)
  accepts<Input>(written)
  accepts<WithoutRoutes<ServerConfig>>(schema)
  accepts<keyof NonNullable<ServerConfig['listeners']>>(accepts<keyof (typeof schema)['listeners']>('smtp'))
  accepts<keyof (typeof schema)['tls']>(accepts<keyof NonNullable<ServerConfig['tls']>>('cert'))
  accepts<keyof (typeof schema)['routes'][number]>(accepts<keyof RouteConfig>('to'))
  accepts<(typeof schema)['routes'][number]>(route satisfies NonNullable<Input['routes']>[number])

  // @ts-expect-error a key that is not known
  defineServer({ hostnme: 'mx1.example.org' })
  // @ts-expect-error a duration without a unit
  defineServer({ limits: { idleTimeout: '5' } })
  // @ts-expect-error a unit that does not exist
  defineServer({ limits: { messageSize: '50 MegaByte' } })
  // @ts-expect-error a port is a number
  defineServer({ listeners: { smtp: { port: '25' } } })
  // @ts-expect-error only lmtp listens on a Unix socket
  defineServer({ listeners: { smtp: { path: './smtp.sock' } } })
  // @ts-expect-error two destinations
  defineServer({ routes: [{ to: '*', mx: true, refuse: 'No' }] })
  // @ts-expect-error no destination
  defineServer({ routes: [{ to: '*' }] })
  // @ts-expect-error a password and a file with one
  defineServer({ routes: [{ to: '*', relay: { host: 'a.example', auth: { user: 'a', pass: 'b', passFile: 3 } } }] })
  // @ts-expect-error a result that does not exist
  defineServer({ routes: [{ to: '*', deliver: async () => ({ is: 'lost' }) }] })
  // @ts-expect-error a policy that does not exist
  defineServer({ routes: [{ to: '*', mx: { tls: 'maybe' } }] })
}

test('the configuration is handed through as it is', () => {
  const config: ServerConfig = { hostname: 'mx1.example.org', limits: { idleTimeout: '5 min', messageSize: '1.5 MB' } }
  assert.equal(defineServer(config), config)
  assert.equal(typeof compileTime, 'function')
})
