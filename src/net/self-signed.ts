import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

const DAY = 24 * 60 * 60 * 1000

/**
 * A certificate for `hostname` and `others` (names, IPv4 addresses) on P-256, valid from yesterday (clocks differ) for ten years, signed by its own key (RFC 5280 §4.1); both
 * in PEM. Written out by hand: the libraries that could do it bring twenty packages and a patched global for one certificate.
 */
export function selfSigned(
  hostname: string,
  others: readonly string[] = [],
): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  // RFC 5280 §4.1.2.6: the name in full is the alternative one; a common name has room for 64 characters.
  const name = sequence(der(SET, sequence(COMMON_NAME, der(UTF8_STRING, Buffer.from(hostname.slice(0, 64))))))
  const now = Date.now()
  const certificate = sequence(
    der(context(0), der(INTEGER, Buffer.of(2))), // version 3
    der(INTEGER, serialNumber()),
    ECDSA_SHA256,
    name,
    sequence(time(now - DAY), time(now + 3650 * DAY)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(context(3), extensions([hostname, ...others])),
  )
  const signature = sign('sha256', certificate, privateKey)
  const signed = sequence(certificate, ECDSA_SHA256, der(BIT_STRING, Buffer.of(0), signature))
  return { cert: pem('CERTIFICATE', signed), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

/** RFC 5280 §4.1.2.2: positive, and at most 20 bytes. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = 0x40 | (bytes.readUInt8(0) & 0x3f)
  return bytes
}

function extensions(names: readonly string[]): Buffer {
  const serverAuth = Buffer.from('06082b06010505070301', 'hex')
  return sequence(
    // RFC 5280 §4.2.1.9: not a certification authority; critical.
    sequence(oid('551d13'), der(BOOLEAN, Buffer.of(0xff)), der(OCTET_STRING, sequence())),
    // RFC 5280 §4.2.1.12
    sequence(oid('551d25'), der(OCTET_STRING, sequence(serverAuth))),
    sequence(oid('551d11'), der(OCTET_STRING, sequence(...names.map(alternativeName)))),
  )
}

/** RFC 5280 §4.2.1.6: a DNS name, or an address as four bytes. */
function alternativeName(name: string): Buffer {
  return isIPv4(name) ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name))
}

const BOOLEAN = 0x01
const INTEGER = 0x02
const BIT_STRING = 0x03
const OCTET_STRING = 0x04
const UTF8_STRING = 0x0c
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
const SEQUENCE = 0x30
const SET = 0x31

const COMMON_NAME = oid('550403')

/** RFC 5758 §3.2: ecdsa-with-SHA256, no parameters. */
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'))

function context(tag: number): number {
  return 0xa0 | tag
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(SEQUENCE, ...parts)
}

/** ITU-T X.690 §8.1: tag, length, content. Contents are well below 64 KB. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const head =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from(head), content])
}

/** RFC 5280 §4.1.2.5: two digits for the year until 2049. */
function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/\.\d+|[^\dZ]/g, '')
  return digits < '2050' ? der(UTC_TIME, Buffer.from(digits.slice(2))) : der(GENERALIZED_TIME, Buffer.from(digits))
}

/** RFC 7468 §2 */
function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
