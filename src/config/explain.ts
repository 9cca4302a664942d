/** From what zod reports to what a user reads: a key path and one sentence. */
import type { z } from 'zod'
import type { KeyPath } from './locate.ts'

export interface Complaint {
  readonly path: KeyPath
  readonly text: string
}

/** One complaint for each thing that is wrong, in the order of the schema. */
export function explain(issues: readonly z.core.$ZodIssue[], above: KeyPath = []): Complaint[] {
  return issues.flatMap(issue => {
    const path = [...above, ...issue.path.map(key => (typeof key === 'symbol' ? String(key) : key))]
    if (issue.code === 'unrecognized_keys') {
      const texts = issue.message.split('\n')
      return issue.keys.map((key, i) => ({ path: [...path, key], text: texts[i] ?? 'is not known here' }))
    }
    if (issue.code === 'invalid_union') {
      const meant = meantBranch(issue.errors)
      return meant === undefined ? [{ path, text: issue.message }] : explain(meant, path)
    }
    return [{ path, text: issue.message }]
  })
}

/** Of the branches of a union the one that the user meant: it fails only deeper down, or at least not by the kind of the value. */
function meantBranch(branches: readonly z.core.$ZodIssue[][]): readonly z.core.$ZodIssue[] | undefined {
  return (
    branches.find(branch => branch.every(issue => issue.path.length > 0)) ??
    branches.find(
      branch =>
        !branch.some(({ path, code }) => path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')),
    )
  )
}

/** What was found, short enough for a line. */
export function show(input: unknown): string {
  if (typeof input === 'string') return JSON.stringify(input.length > 60 ? `${input.slice(0, 57)}...` : input)
  if (typeof input === 'function') return 'a function'
  if (Array.isArray(input)) return 'a list'
  return typeof input === 'object' && input !== null ? 'an object' : String(input)
}
