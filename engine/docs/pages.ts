/** The reference: every page and schema of docs/, written from what the product itself declares. */
import { ChannelFile, Destination } from '../channel-definition.js'
import type { Command } from '../command.js'
import { ERRORS } from '../errors.js'
import type { Mappings } from '../mappings.js'
import type { ProfileContent } from '../profiles/profile-file.js'
import { profileNames } from '../profiles/profiles.js'
import type { Pieces } from '../registry.js'
import { DURATION_IS, SIZE_IS } from '../units.js'
import { channelSchema, type NamedProfile } from './channel-schema.js'
import { mappingSchemas } from './mapping-schemas.js'
import { inCell, settingsTable, yamlBlock } from './settings-table.js'

const NOTE = '<!-- Written by `refero docs` from the schemas in the code. Change those, not this page. -->\n'

/** Every file of docs/ by its path there. Depends on nothing but the product: no environment, no machine. */
export const pages = (pieces: Pieces, commands: readonly Command[], mappings: Mappings): ReadonlyMap<string, string> => {
  const profiles = profileNames(mappings).map((name): NamedProfile => ({ name, content: mappings.mapping(`profiles/${name}`).value as ProfileContent }))
  const schemas = { 'channel.schema.json': channelSchema(pieces, profiles), ...mappingSchemas() }
  return new Map([
    ['README.md', NOTE + INDEX],
    ['channel.md', NOTE + channelPage()],
    ['connectors.md', NOTE + connectorsPage(pieces)],
    ['steps.md', NOTE + piecesPage('Steps', 'What `steps:` of a channel or a destination may name, in the order in which they are done. Each is one key with its settings below it.', pieces.transforms, (name, example) => ({ steps: [{ [name]: example }] }))],
    ['formats.md', NOTE + piecesPage('Formats', 'How what arrives is read: `format: hl7v2`, or with settings.', pieces.formats, (name, example) => ({ format: { [name]: example } }))],
    ['profiles.md', NOTE + profilesPage(profiles)],
    ['errors.md', NOTE + errorsPage()],
    ['command-line.md', NOTE + commandsPage(commands)],
    ...Object.entries(schemas).map(([name, schema]) => [`schemas/${name}`, `${JSON.stringify(schema, null, 1)}\n`] as const),
  ])
}

const INDEX = `# Reference

| page | what it tells |
|---|---|
| [channel.md](channel.md) | a channel file, setting by setting |
| [connectors.md](connectors.md) | what a channel may have as \`source:\` and as \`to:\` of a destination |
| [steps.md](steps.md) | what \`steps:\` may name |
| [formats.md](formats.md) | what \`format:\` may name |
| [profiles.md](profiles.md) | what \`uses:\` may name, and what \`with:\` gives |
| [command-line.md](command-line.md) | every command |
| [errors.md](errors.md) | every error code, and what to do |

## In an editor

[schemas/](schemas) has JSON Schemas, so that an editor completes and checks a file while it is written. For Visual Studio Code with the YAML extension, \`.vscode/settings.json\` of this repository has them already:

\`\`\`json
{
  "yaml.schemas": {
    "./docs/schemas/channel.schema.json": "channels/*.yaml",
    "./docs/schemas/code-table.schema.json": "mappings/codes/*.yaml",
    "./docs/schemas/segment-map.schema.json": "mappings/fields/segments/*.yaml",
    "./docs/schemas/message-map.schema.json": "mappings/fields/*.yaml",
    "./docs/schemas/profile.schema.json": "mappings/profiles/**/*.yaml"
  }
}
\`\`\`

A file elsewhere names its schema in its first line: \`# yaml-language-server: $schema=../docs/schemas/channel.schema.json\`. An editor sees a file as it is written: what only \`refero check\` knows (whether a path, a file, another channel is there) it does not say.
A variable within \`{ … }\` needs quotes or a line of its own for an editor (\`port: \${PORT}\`); the engine reads both.
`

const channelPage = (): string => `# A channel file

${(ChannelFile as { description?: string }).description ?? 'A channel'}: one YAML file of \`channels/\`. A thing is named by a single key and its settings are below it: \`mllp: { port: 2575 }\`. Lists are in order.

- A duration is ${DURATION_IS.replace('a duration: ', '')}; a year has 365 days.
- A size is ${SIZE_IS.replace('a size: ', '')}; a kB is 1024 bytes.
- \`\${NAME}\` and \`\${NAME:default}\` come from the environment, \`\${secret:name}\` from the secrets; \`$\${\` is \`\${\` itself. Without quotes \`\${PORT}\` is a number where it looks like one.
- \`uses:\` and \`with:\` fill what is not written from a [profile](profiles.md). What the file itself says wins.

## The channel

${settingsTable(ChannelFile, ['destinations', 'tests'])}
\`source\` is one of the [connectors](connectors.md), \`format\` one of the [formats](formats.md), and each of \`steps\` one of the [steps](steps.md).

## A destination

Each of \`destinations:\` says where messages go; \`to\` is one of the [connectors](connectors.md).

${settingsTable(Destination)}
## A test

Each of \`tests:\` is run by \`refero test\`, with receivers that answer as \`mock\` says.

${settingsTable(ChannelFile.properties.tests.items)}
In \`expect:\`, every other name is a destination: ${lower(String((ChannelFile.properties.tests.items.properties.expect as { additionalProperties?: { description?: string } }).additionalProperties?.description ?? ''))}
`

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

const connectorsPage = ({ sources, destinations }: Pieces): string => {
  const names = [...new Set([...sources.keys(), ...destinations.keys()])].sort()
  const half = (name: string, kind: 'source' | 'destination'): string => {
    const definition = (kind === 'source' ? sources : destinations).get(name)
    if (!definition) return ''
    const shape = (example: unknown): unknown => (kind === 'source' ? { source: { [name]: example } } : { to: { [name]: example } })
    return `### ${name} as a ${kind}\n\n${definition.summary}\n\n${settingsTable(definition.settings)}\n${definition.examples.map((example) => yamlBlock(shape(example))).join('\n')}\n`
  }
  return `# Connectors\n\nHow messages come in (\`source:\`) and go out (\`to:\` of a destination).\n\n${contents(names)}${names.map((name) => `## ${name}\n\n${half(name, 'source')}${half(name, 'destination')}`).join('')}`.trimEnd().concat('\n')
}

const piecesPage = (title: string, opening: string, definitions: Pieces['transforms'] | Pieces['formats'], shape: (name: string, example: unknown) => unknown): string => {
  const all = [...definitions.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const sections = all.map(({ name, summary, settings, examples }) => `## ${name}\n\n${summary}\n\n${settingsTable(settings)}\n${examples.map((example) => yamlBlock(shape(name, example))).join('\n')}`)
  return `# ${title}\n\n${opening}\n\n${contents(all.map(({ name }) => name))}${sections.join('\n')}`
}

const contents = (names: readonly string[]): string => `${names.map((name) => `[${name}](#${name.replaceAll('/', '').toLowerCase()})`).join(' · ')}\n\n`

const profilesPage = (profiles: readonly NamedProfile[]): string => {
  const sections = profiles.map(({ name, content: { describe, fields = {}, destination, channel, examples } }) => {
    const rows = Object.entries(fields).map(([field, { type, required, default: value, describe: what, choices }]) =>
      `| \`${field}\` | ${type}${choices ? `: ${choices.map((each) => `\`${each}\``).join(', ')}` : ''} | ${required ? '**needed**' : value === undefined ? '' : `\`${value}\``} | ${inCell(what.replaceAll('$${', '${'))} |`)
    const used = examples.map((example) => yamlBlock(destination ? { destinations: [{ name: name.replace(/^.*\//, ''), uses: name, with: example }] } : { uses: name, with: example }))
    return `## ${name}\n\nFills a ${destination ? 'destination' : 'channel'}. ${describe.trim()}\n\n| field | type | where nothing is said | what it is |\n|---|---|---|---|\n${rows.join('\n')}\n\nWhat it fills:\n\n${yamlBlock(destination ? { destination } : { channel })}\n${used.join('\n')}`
  })
  return `# Profiles

\`uses: ehr/epic\` fills a destination (or a whole channel) from \`mappings/profiles/ehr/epic.yaml\`; \`with:\` gives the values of its fields. A destination's profile that a channel uses at the top of its file becomes a destination called like the profile.
What the file itself says wins: settings merge key by key, destinations by their names; lists (\`steps\`, \`retryOn\`) and a connector of another name replace the profile's; an empty value (\`null\`) takes away. How to write one: [mappings/README.md](../mappings/README.md).

${contents(profiles.map(({ name }) => name))}${sections.join('\n')}`
}

const errorsPage = (): string => `# Errors

Every error of the command line and of the operations API has a code, says what is wrong, and what to do.

| code | what is wrong | what to do |
|---|---|---|
${Object.entries(ERRORS).map(([code, [text, hint]]) => `| \`${code}\` | ${inCell(text)} | ${inCell(hint)} |`).join('\n')}
`

const commandsPage = (commands: readonly Command[]): string => {
  const sections = commands.map(({ name, summary, usage, options, exits }) => {
    const rows = Object.entries(options).map(([option, { describe, value }]) => `| \`--${option}${value ? ` ${value}` : ''}\` | ${inCell(describe)} |`)
    return `## ${name}\n\n${summary}\n\n    refero ${name} ${usage}\n\n${rows.length > 0 ? `| option | what it does |\n|---|---|\n${rows.join('\n')}\n\n` : ''}Exit codes: ${exits}\n`
  })
  return `# The command line\n\n\`refero help COMMAND\` says the same. Exit codes are for scripts: 0 well, 1 the answer is no, 2 it could not be done.\n\n${contents(commands.map(({ name }) => name))}${sections.join('\n')}`
}
