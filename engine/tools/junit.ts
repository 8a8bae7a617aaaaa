/** Test results as JUnit XML, for build servers. */
import type { TestResult } from '../channel-tests.js'

export function junit(results: readonly TestResult[]): string {
  const channels = [...new Set(results.map(({ channel }) => channel))]
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${channels.map((channel) => suite(channel, results.filter((result) => result.channel === channel))).join('')}</testsuites>\n`
}

function suite(channel: string, results: readonly TestResult[]): string {
  const failed = results.filter(({ failures }) => failures.length > 0).length
  return `  <testsuite name="${escaped(channel)}" tests="${results.length}" failures="${failed}">\n${results.map(testcase).join('')}  </testsuite>\n`
}

function testcase({ channel, name, failures, milliseconds }: TestResult): string {
  const open = `    <testcase classname="${escaped(channel)}" name="${escaped(name)}" time="${(milliseconds / 1000).toFixed(3)}"`
  if (failures.length === 0) return `${open}/>\n`
  const text = failures.map(({ what, expected, found, detail }) => `${what}: expected ${expected}, found ${found}${detail && `\n${detail}`}`).join('\n')
  return `${open}>\n      <failure message="${escaped(failures[0]?.what ?? '')}">${escaped(text)}</failure>\n    </testcase>\n`
}

/** XML 1.0: the five entities, and no character that it does not allow. */
const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`).replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?')
