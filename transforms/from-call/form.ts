/** The form of a call as a row, whose columns are the paths that a profile names. */
import type { Tools } from '../../engine/contracts.js'
import { encode } from '../../engine/formats/carried.js'
import type { Body } from '../../engine/formats/table/body.js'
import type { Profile } from '../../engine/formats/table/profile.js'

export type Json = unknown

/** The first value at a path of the profile, or at those that it may also have. */
export const formOf = (body: Json, profile: Profile, tools: Pick<Tools, 'format'>): Body => {
  const format = tools.format('json')
  const values = profile.columns.map(({ name, also = [] }) => [name, ...also].flatMap((path) => format.read(body, path)).find((value) => value.trim() !== '') ?? '')
  return {
    text: '', row: { from: 0, to: 0, line: 1 }, reading: { profile, delimiter: ',', size: 0, rows: 1, headers: new Map() },
    columns: profile.columns.map((known) => ({ name: known.name, known })),
    cells: values.map((value) => ({ from: 0, to: 0, text: encode(value.trim()) })),
  }
}

/** Whether the form says anything. */
export const isForm = ({ cells }: Body): boolean => cells.some(({ text }) => text !== '')
