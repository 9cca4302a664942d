/** docs/configuration.md, made from the schema: each key with its type, default and meaning. */
import { z } from 'zod'
import type { Machine } from './machine.ts'
import { configSchema } from './schema.ts'

const HEAD = `# Configuration

<!-- Made from src/config/schema.ts by \`node scripts/configuration-doc.ts\`; change it there. -->

\`staffetta serve -c staffetta.config.ts\` reads one file: \`.ts\`, \`.mts\` or \`.mjs\` with a default export, or \`.json\` with the same keys.
Only \`hostname\` has to be written, and only where the machine's own name is not a full one. \`staffetta check-config\` reads the file
and says what is wrong with it; a running server reads it anew on SIGHUP. Domains, accounts and aliases are not in it: they are in
the directory (\`staffetta domain\`, \`account\`, \`alias\`).

\`\`\`ts
import { defineServer } from 'staffetta'

export default defineServer({
  hostname: 'mx1.example.org',
  data: './data',
  listeners: {
    smtp: { port: 25 },
    submission: { port: 587 },
    submissions: { port: 465 },
    lmtp: { path: './lmtp.sock' },
    imap: { port: 143 },
    imaps: { port: 993 },
    pop3s: { port: 995 },
  },
  tls: { cert: 'fullchain.pem', key: 'key.pem' },
  relayFrom: ['10.1.2.0/24'],
  limits: { messageSize: '50 MB', idleTimeout: '5 min' },
  routes: [
    { to: 'partner.example', relay: { host: 'mail.partner.example', port: 25, tls: 'required' } },
    { to: '*.invalid', refuse: 'There is no such domain' },
    { to: '*', mx: true },
  ],
})
\`\`\`

- A **duration** is a number of ms, or text with a unit: \`ms\`, \`s\`, \`min\`, \`hour\`, \`day\`, \`week\` (\`'5 min'\`, \`'4 hours'\`).
- A **size** is a number of bytes, or text with a unit: \`B\`, \`KB\`, \`MB\`, \`GB\`, \`TB\` (\`'50 MB'\`); 1 KB is 1024 bytes.
- A **rate** is a number per second, or text: \`'20 / min'\`.
- A **network** is an address or CIDR: \`'192.0.2.7'\`, \`'10.1.2.0/24'\`, \`'2001:db8::/32'\`.
- **Paths** are relative to the configuration file.
`

/** Documentation does not depend on the machine that makes it. */
const NOWHERE: Machine = {
  hostname: '',
  cores: 1,
  ipv6: true,
  absolute: path => path,
  read: () => ({ wrong: 'is not read' }),
}

type Node = z.core.JSONSchema.JSONSchema

/** Markdown. */
export function configurationDocument(): string {
  const root = z.toJSONSchema(configSchema(NOWHERE), { io: 'input', unrepresentable: 'any' })
  const top = entries(root)
  const general = top.filter(({ node }) => objectIn(node) === undefined)
  const sections = top.filter(({ node }) => objectIn(node) !== undefined)
  return [HEAD, section('The server', '', [general.map(entry => row('', entry))]), ...sections.map(keySection)].join(
    '\n',
  )
}

function keySection({ key, node }: Entry): string {
  const inner = objectIn(node)
  if (inner === undefined) return ''
  const alike = objectIn(entries(inner).find(entry => isAlike(entry.node))?.node)
  const tables = [rowsBelow('', inner), ...(alike === undefined ? [] : [rowsBelow('', alike)])]
  return section(`\`${key}\``, node.description ?? '', tables)
}

function section(title: string, meaning: string, tables: readonly (readonly string[])[]): string {
  const head = '| key | type | default | meaning |\n|---|---|---|---|'
  const body = tables.map(rows => [head, ...rows].join('\n')).join('\n\nEach of them has these keys:\n\n')
  return [`## ${title}`, ...(meaning === '' ? [] : [meaning]), body].join('\n\n').concat('\n')
}

/** The key and those inside it, but for keys that are all alike: what they have in common is a table of its own. */
function rowsBelow(prefix: string, node: Node): string[] {
  return entries(node).flatMap(entry => {
    const inner = isAlike(entry.node) ? undefined : objectIn(entry.node)
    return [row(prefix, entry), ...(inner === undefined ? [] : rowsBelow(`${prefix}${entry.key}.`, inner))]
  })
}

function isAlike(node: Node): boolean {
  return node['alike'] === true
}

function row(prefix: string, { key, node, needed }: Entry): string {
  const cells = [`\`${prefix}${key}\``, typeInWords(node), defaultInWords(node, needed), node.description ?? '']
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`.replaceAll(/ {2,}/g, ' ')
}

function typeInWords(node: Node): string {
  const type: unknown = node.type
  return typeof type === 'string' ? type.replaceAll(/'[^']*'/g, word => `\`${word}\``) : ''
}

function defaultInWords(node: Node, needed: boolean): string {
  const standard: unknown = node['standard']
  if (typeof standard === 'string') return standard
  if (node.default === undefined) return needed ? '(must be written)' : ''
  return `\`${typeof node.default === 'string' ? `'${node.default}'` : JSON.stringify(node.default)}\``
}

/** The object that a value is, or may be, or that its list holds. */
function objectIn(node: Node | undefined): Node | undefined {
  if (node === undefined || node.properties !== undefined) return node
  const below: readonly unknown[] = [...(node.anyOf ?? []), node.items].flat()
  return below
    .filter(isNode)
    .map(objectIn)
    .find(inner => inner !== undefined)
}

interface Entry {
  readonly key: string
  readonly node: Node
  readonly needed: boolean
}

function entries(node: Node): Entry[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
    isNode(child) ? [{ key, node: child, needed: node.required?.includes(key) === true }] : [],
  )
}

/** A JSON schema may also be true or false. */
function isNode(schema: unknown): schema is Node {
  return typeof schema === 'object' && schema !== null
}
