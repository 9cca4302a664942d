/**
 * Content and host are made to fit (RFC 6152 §3, RFC 3030 §3, RFC 6531 §3.5, RFC 1870 §6): what the host cannot carry is converted
 * truthfully or not sent at all.
 */
import { isAscii } from 'node:buffer'
import { open, readFile } from 'node:fs/promises'
import { formatAsciiAddress } from '../mail/address.ts'
import { type Content, contentSize } from '../mail/content.ts'
import type { BodyType, Envelope, Recipient } from '../mail/envelope.ts'
import { hasNonAsciiHeader, needs, toSevenBit } from '../mail/seven-bit.ts'
import type { Abilities } from '../smtp/abilities.ts'

export type Fit =
  | {
      readonly is: 'fits'
      readonly body: BodyType
      readonly content: Content
      /** Bytes set aside in `room` for a file that was converted; to be given back when the content is done with. */
      readonly held: number
    }
  /** `status` is 5.x.x, or 4.3.x when our own copy cannot be read, or not now. */
  | Unfit

export interface Unfit {
  readonly is: 'unfit'
  readonly status: string
  readonly reason: string
}

/** Bytes of files that are in memory because they were converted, of all deliveries of a thread. */
export interface Room {
  held: number
  readonly limit: number
}

const ROOM = 128 * 1024 * 1024

export function newRoom(): Room {
  return { held: 0, limit: ROOM }
}

/** Bytes: larger files are not read into memory for a conversion. */
const MAX_CONVERTED = 64 * 1024 * 1024
const MAX_HEADER = 1024 * 1024
const CHUNK = 64 * 1024

const SEVEN_BIT_ONLY = '5.6.3' // RFC 3463 §3.7: conversion required but not supported
const NO_ROOM: Unfit = { is: 'unfit', status: '4.3.1', reason: 'too many large messages are being converted' }
const UNREADABLE: Unfit = { is: 'unfit', status: '4.3.0', reason: 'the stored content cannot be read' }

/** A promise only where the content must be looked at. Recipients are for `reachable`. */
export function fit(envelope: Envelope, content: Content, abilities: Abilities, room: Room): Fit | Promise<Fit> {
  const size = contentSize(content)
  // RFC 1870 §6.1: what is larger than announced need not be tried.
  if (abilities.size !== undefined && abilities.size > 0 && size > abilities.size) {
    return {
      is: 'unfit',
      status: '5.3.4',
      reason: `${size} bytes are more than the ${abilities.size} that the host takes`,
    }
  }
  if (envelope.smtputf8 && !abilities.smtputf8) return fitWithoutUtf8(envelope, content, abilities, room)
  return fitBody(envelope.body, content, abilities, room)
}

/** Whether the recipient can be named to the host. undefined: yes. */
export function unreachable(recipient: Recipient, envelope: Envelope, abilities: Abilities): Unfit | undefined {
  if (!envelope.smtputf8 || abilities.smtputf8 || formatAsciiAddress(recipient.address) !== undefined) return undefined
  return { is: 'unfit', status: '5.6.7', reason: 'the host does not take internationalised addresses (SMTPUTF8)' }
}

/** RFC 6531 §3.5, §3.6: without SMTPUTF8 it may go on only where nothing in it needs that. */
async function fitWithoutUtf8(envelope: Envelope, content: Content, abilities: Abilities, room: Room): Promise<Fit> {
  if (envelope.returnPath !== '<>' && formatAsciiAddress(envelope.returnPath) === undefined) {
    return { is: 'unfit', status: '5.6.7', reason: 'the host does not take internationalised addresses (SMTPUTF8)' }
  }
  const start = await beginning(content)
  if (start === undefined) return UNREADABLE
  if (hasNonAsciiHeader(start)) {
    return { is: 'unfit', status: '5.6.9', reason: 'the host does not take internationalised headers (SMTPUTF8)' }
  }
  return fitBody(envelope.body, content, abilities, room)
}

function fitBody(body: BodyType, content: Content, abilities: Abilities, room: Room): Fit | Promise<Fit> {
  switch (body) {
    case '7BIT':
    case '8BITMIME':
      if (abilities.eightBitMime) return { is: 'fits', body, content, held: 0 }
      if (content.in === 'file') return fitFile(body, content, room)
      return isAscii(content.bytes) ? { is: 'fits', body: '7BIT', content, held: 0 } : convert(content.bytes)
    case 'BINARYMIME':
      if (abilities.binaryMime && abilities.chunking) return { is: 'fits', body, content, held: 0 }
      return fitBinary(content, abilities, room)
  }
}

async function fitFile(body: '7BIT' | '8BITMIME', content: Content & { in: 'file' }, room: Room): Promise<Fit> {
  const ascii = await isAsciiFile(content)
  if (ascii === undefined) return UNREADABLE
  return ascii ? { is: 'fits', body: '7BIT', content, held: 0 } : fitWhole(content, body, undefined, room)
}

function fitBinary(content: Content, abilities: Abilities, room: Room): Fit | Promise<Fit> {
  return content.in === 'file'
    ? fitWhole(content, 'BINARYMIME', abilities, room)
    : convertBinary(content.bytes, abilities)
}

async function fitWhole(
  content: Content & { in: 'file' },
  body: BodyType,
  abilities: Abilities | undefined,
  room: Room,
): Promise<Fit> {
  if (content.size > MAX_CONVERTED) {
    return {
      is: 'unfit',
      status: SEVEN_BIT_ONLY,
      reason: `the host does not take ${body}, and the message is too large to convert`,
    }
  }
  if (room.held > 0 && room.held + content.size > room.limit) return NO_ROOM
  room.held += content.size
  const bytes = await wholeFile(content)
  const made =
    bytes === undefined ? UNREADABLE : abilities === undefined ? convert(bytes) : convertBinary(bytes, abilities)
  if (made.is === 'fits') return { ...made, held: content.size }
  room.held -= content.size
  return made
}

/** RFC 3030 §3: without BINARYMIME it must become what the host takes. */
function convertBinary(bytes: Uint8Array, abilities: Abilities): Fit {
  const needed = needs(bytes)
  if (needed === '7bit') return { is: 'fits', body: '7BIT', content: { in: 'memory', bytes }, held: 0 }
  if (needed === '8bit' && abilities.eightBitMime)
    return { is: 'fits', body: '8BITMIME', content: { in: 'memory', bytes }, held: 0 }
  return convert(bytes)
}

function convert(bytes: Uint8Array): Fit {
  const converted = toSevenBit(bytes)
  if (converted !== undefined) return { is: 'fits', body: '7BIT', content: { in: 'memory', bytes: converted }, held: 0 }
  return {
    is: 'unfit',
    status: SEVEN_BIT_ONLY,
    reason: 'the host takes 7-bit content only, and the message cannot be made so',
  }
}

/** At least the header; undefined: unreadable. */
async function beginning(content: Content): Promise<Uint8Array | undefined> {
  if (content.in === 'memory') return content.bytes
  const chunks: Uint8Array[] = [content.head]
  let size = content.head.length
  const read = await eachChunk(content.path, chunk => {
    chunks.push(chunk)
    size += chunk.length
    return size < MAX_HEADER
  })
  return read ? Buffer.concat(chunks) : undefined
}

/** undefined: unreadable. */
async function isAsciiFile(content: Content & { in: 'file' }): Promise<boolean | undefined> {
  let ascii = isAscii(content.head)
  const read = await eachChunk(content.path, chunk => {
    ascii &&= isAscii(chunk)
    return ascii
  })
  return read ? ascii : undefined
}

async function wholeFile(content: Content & { in: 'file' }): Promise<Uint8Array | undefined> {
  try {
    return Buffer.concat([content.head, await readFile(content.path)])
  } catch {
    return undefined
  }
}

/** Until `take` says false. false: the file cannot be read. */
async function eachChunk(path: string, take: (chunk: Buffer) => boolean): Promise<boolean> {
  try {
    await using file = await open(path)
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK)
      if (bytesRead === 0 || !take(buffer.subarray(0, bytesRead))) return true
    }
  } catch {
    return false
  }
}
