/** The package for programs: `import { createServer, createClient, defineServer } from 'staffetta'`. Described in docs/library.md. */
export { createClient } from './client.ts'
export type { Client, ClientOptions, OutgoingMail, SendResult } from './client.ts'
export { defineServer } from './config/define.ts'
export type {
  Deliver,
  DeliverResult,
  LimitsConfig,
  ListenersConfig,
  OutgoingMessage,
  QueueConfig,
  RouteConfig,
  ServerConfig,
} from './config/define.ts'
export type { Outcome } from './mail/outcome.ts'
export type { Reply } from './mail/reply.ts'
export { Aborted } from './server/body.ts'
export type {
  AuthVerdict,
  Credentials,
  IncomingMessage,
  LmtpHandlers,
  MailFrom,
  MessageVerdict,
  RcptTo,
  ServerOptions,
  ServerSession,
  ServerTls,
  SmtpHandlers,
  Verdict,
} from './server/handlers.ts'
export { createServer } from './server/library.ts'
export type { ListenOn, MailServer } from './server/library.ts'
