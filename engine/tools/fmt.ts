/** Formats channel files: one order of keys, one way to write each thing; comments, blank lines and variables stay. */
import { isMap, isScalar, isSeq, parseDocument, visit, type YAMLMap } from 'yaml'
import { ChannelFile, Destination } from '../channel-definition.js'
import type { Problem } from '../problem.js'
import { readYaml, unveil, veil } from '../yaml-source.js'

/** The text as it should be, or the problems that keep it from being read. What it says is the same, value by value. */
export const formatChannel = (file: string, text: string): { readonly text: string } | { readonly problems: readonly Problem[] } => {
  const before = readYaml(file, text, null)
  const veiled = readYaml(file, veil(text), null)
  if (veiled.problems.some(({ message }) => !message.includes('private use'))) return { problems: before.problems }
  const document = parseDocument(veil(text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')), { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, stringKeys: true })
  if (document.errors.length > 0) return { problems: before.problems }
  if (isMap(document.contents)) {
    const key = document.contents.items[0]?.key
    const opening = isScalar(key) ? (key.commentBefore ?? '') : ''
    const end = opening.lastIndexOf('\n\n')
    if (isScalar(key) && end >= 0) { // what a blank line separates from the first key is about the file
      document.commentBefore = [document.commentBefore, opening.slice(0, end)].filter(Boolean).join('\n\n')
      key.commentBefore = opening.slice(end + 2)
    }
    ordered(document.contents, CHANNEL)
    for (const [list, order] of [['destinations', DESTINATION], ['tests', TEST]] as const) {
      const items = document.get(list)
      if (isSeq(items)) for (const item of items.items) if (isMap(item)) ordered(item, order, true)
    }
  }
  return { text: unveil(tight(document.toString(STYLE))) }
}

const STYLE = { lineWidth: 0, indent: 2, indentSeq: true, flowCollectionPadding: true, singleQuote: false } as const

/** Lists within a line are written `[a, b]`, beside `{ a: b }`. */
const tight = (text: string): string => {
  const spaces = new Set<number>()
  visit(parseDocument(text), {
    Seq: (_, { flow, range }) => {
      const [start, end] = range ?? [0, 0]
      if (!flow || text.slice(start, end).includes('\n')) return
      if (text[start + 1] === ' ') spaces.add(start + 1)
      if (text[end - 2] === ' ') spaces.add(end - 2)
    },
  })
  return text.split('').filter((_, at) => !spaces.has(at)).join('')
}

/** What a reader asks first: what it is, where from, what is done, where to; then how; the tests last. */
const CHANNEL = orderOf(['name', 'description', 'enabled', 'uses', 'with', 'source', 'format', 'acknowledge', 'acknowledgeWithin', 'duplicates', 'index', 'steps', 'destinations'], Object.keys(ChannelFile.properties), ['tests'])
const DESTINATION = orderOf(['name', 'uses', 'with', 'to', 'keep', 'steps'], Object.keys(Destination.properties))
const TEST = orderOf(['name', 'given', 'at', 'mock', 'expect'], [])

function orderOf(first: readonly string[], all: readonly string[], last: readonly string[] = []): readonly string[] {
  return [...first, ...all.filter((key) => !first.includes(key) && !last.includes(key)), ...last]
}

/** Keys that are not known keep their place behind the others. A comment before a key goes with it; one that opens the file stays there. */
const ordered = (map: YAMLMap, order: readonly string[], inList = false): void => {
  const rank = ({ key }: { key: unknown }): number => {
    const at = isScalar(key) ? order.indexOf(String(key.value)) : -1
    return at < 0 ? order.length : at
  }
  const [first] = map.items
  map.items.sort((a, b) => rank(a) - rank(b))
  if (first !== map.items[0] && isScalar(first?.key) && map.commentBefore) {
    first.key.commentBefore = map.commentBefore
    map.commentBefore = null
  }
  const [now] = map.items
  if (inList && isScalar(now?.key) && now.key.commentBefore) {
    map.commentBefore = now.key.commentBefore
    now.key.commentBefore = null
  }
}
