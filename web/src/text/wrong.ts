// What is wrong with the fields of a form, where each of them stands.

import type { Problem } from '../api/client.ts'

type Fields = Problem['fields']

/**
 * ofForm returns the fields of a problem as a form has them. A field whose text cannot be read
 * comes with the path within the call and, once more, with what its empty value means.
 */
export function ofForm(fields: Fields, member: string): Fields {
  const inside = (path: string) => path.startsWith(member + '.')
  const unread = fields.filter((f) => inside(f.path)).map((f) => ({ ...f, path: f.path.slice(member.length + 1) }))
  const isUnread = (path: string) => unread.some((u) => u.path === path || u.path.startsWith(path))
  return [...unread, ...fields.filter((f) => !inside(f.path) && !isUnread(f.path))]
}

/** wanted returns what a field wants, in words for a person: only programs write a decimal as a string. */
export function wanted(field: Fields[number]): string {
  return field.want.replace(' as a string, such as "12.50"', ' such as 12.50')
}

/** wrongIn returns what is wrong with a field or a part of it. */
export function wrongIn(fields: Fields, path: string): Fields[number] | undefined {
  return fields.find((f) => f.path === path || f.path.startsWith(path + '[') || f.path.startsWith(path + '.'))
}

interface Marks {
  'aria-invalid'?: 'true'
  'aria-describedby'?: string
}

/** marks returns the attributes that tie a field to its hint and to what a FieldProblem shows is wrong with it. */
export function marks(fields: Fields, path: string, id: string, hint = ''): Marks {
  const bad = wrongIn(fields, path) !== undefined
  const described = [hint, bad ? `${id}-wrong` : ''].filter((x) => x).join(' ')
  return { ...(bad && { 'aria-invalid': 'true' }), ...(described && { 'aria-describedby': described }) }
}
