/**
 * Machines of their own: network namespaces with an address each, joined by a bridge in one of them. Nothing appears in the network of
 * this machine. The namespaces carry the id of this process in their names and are taken away by name.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { call, findProgram, succeed } from './program.ts'

export interface Network {
  /** Machine → the name of its namespace. */
  readonly namespaces: ReadonlyMap<string, string>
  readonly remove: () => Promise<void>
}

const ip = (...args: string[]) => succeed({ name: 'ip', args })

/**
 * Machine → its address in 10.77.0.0/24; the bridge stands in the first. `resolver`: for programs that read /etc/resolv.conf; `ip netns
 * exec` shows them a file of their own in its place.
 */
export async function buildNetwork(machines: Readonly<Record<string, string>>, resolver: string): Promise<Network> {
  await removeAbandoned()
  const names = Object.keys(machines)
  const namespaces = new Map(names.map(name => [name, `staffetta-${process.pid}-${name}`]))
  const remove = async (): Promise<void> => {
    for (const namespace of namespaces.values()) await removeNamespace(namespace)
  }
  try {
    await build(namespaces, machines, resolver)
  } catch (error) {
    await remove()
    throw error
  }
  return { namespaces, remove }
}

async function build(
  namespaces: ReadonlyMap<string, string>,
  machines: Readonly<Record<string, string>>,
  resolver: string,
): Promise<void> {
  const [hub] = namespaces.values()
  if (hub === undefined) return
  for (const namespace of namespaces.values()) {
    await ip('netns', 'add', namespace)
    await ip('-n', namespace, 'link', 'set', 'lo', 'up')
    mkdirSync(etcOf(namespace), { recursive: true })
    writeFileSync(join(etcOf(namespace), 'resolv.conf'), `nameserver ${resolver}\n`)
  }
  await ip('-n', hub, 'link', 'add', 'bridge', 'type', 'bridge')
  await ip('-n', hub, 'link', 'set', 'bridge', 'up')
  let number = 0
  for (const [machine, namespace] of namespaces) {
    const address = `${machines[machine]}/24`
    if (namespace === hub) {
      await ip('-n', hub, 'address', 'add', address, 'dev', 'bridge')
      continue
    }
    const port = `port${++number}`
    await ip('-n', hub, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
    await ip('-n', hub, 'link', 'set', port, 'master', 'bridge', 'up')
    await ip('-n', namespace, 'address', 'add', address, 'dev', 'eth0')
    await ip('-n', namespace, 'link', 'set', 'eth0', 'up')
  }
}

async function removeNamespace(namespace: string): Promise<void> {
  await call({ name: 'ip', args: ['netns', 'delete', namespace] })
  rmSync(etcOf(namespace), { recursive: true, force: true })
}

/** What tests left behind that were killed: their process is no more. */
async function removeAbandoned(): Promise<void> {
  const { stdout } = await call({ name: 'ip', args: ['netns', 'list'] })
  for (const [namespace, pid] of stdout.toString().matchAll(/^staffetta-(\d+)-\w+/gm))
    if (!existsSync(`/proc/${pid}`)) await removeNamespace(namespace)
}

function etcOf(namespace: string): string {
  return join('/etc/netns', namespace)
}

/** In words, when this machine cannot make such networks (a container without the right, a kernel without bridges). */
export async function missingNetworks(): Promise<readonly string[]> {
  if (findProgram('ip') === undefined) return [] // said elsewhere
  const namespace = `staffetta-${process.pid}-probe`
  const made = await call({ name: 'ip', args: ['netns', 'add', namespace] })
  const bridge = await call({ name: 'ip', args: ['-n', namespace, 'link', 'add', 'probe', 'type', 'bridge'] })
  const veth = await call({
    name: 'ip',
    args: ['-n', namespace, 'link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'two'],
  })
  await call({ name: 'ip', args: ['netns', 'delete', namespace] })
  const failed = [made, bridge, veth].find(({ code }) => code !== 0)
  return failed === undefined ? [] : [`network namespaces (${failed.stderr.trim()})`]
}
