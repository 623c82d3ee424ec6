// What is wrong with the fields of a form, where each of them stands.

import type { Problem } from '../api/client.ts'

type Fields = Problem['fields']

/** wrongIn returns what is wrong with a field or a part of it. */
export function wrongIn(fields: Fields, path: string): Fields[number] | undefined {
  return fields.find((f) => f.path === path || f.path.startsWith(path + '[') || f.path.startsWith(path + '.'))
}

interface Marks {
  'aria-invalid'?: 'true'
  'aria-describedby'?: string
}

/** marks returns the attributes that tie a field to its hint, and to what is wrong with it, which a FieldProblem shows. */
export function marks(fields: Fields, path: string, id: string, hint = ''): Marks {
  const bad = wrongIn(fields, path) !== undefined
  const described = [hint, bad ? `${id}-wrong` : ''].filter((x) => x).join(' ')
  return { ...(bad && { 'aria-invalid': 'true' }), ...(described && { 'aria-describedby': described }) }
}
