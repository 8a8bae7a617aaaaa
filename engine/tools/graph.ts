/** What joins what: channels, what feeds them, and where they send, as nodes and edges. */
import type { ChannelDestination, ChannelPiece } from '../channel-definition.js'
import type { LoadedChannel } from '../channel-loader.js'
import type { Pieces } from '../registry.js'

export interface GraphNode {
  readonly id: string
  readonly kind: 'source' | 'channel' | 'destination' | 'missing' // missing: a channel that is led to and is not there
  readonly title: string
  readonly details: readonly string[] // a line each
  readonly enabled: boolean
}

export interface GraphEdge {
  readonly from: string
  readonly to: string
  readonly label: string // `epic · by PID-3.1, 16 lanes`
}

export interface Graph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
}

/** All channels with their sources and receivers. Channels that send to the same receiver share its node. */
export const graphOf = (channels: readonly LoadedChannel[], pieces: Pieces): Graph => {
  const nodes = new Map<string, GraphNode>()
  const edges: GraphEdge[] = []
  const add = (node: GraphNode): void => {
    const before = nodes.get(node.id)
    if (!before || (node.enabled && !before.enabled)) nodes.set(node.id, node)
  }
  for (const { definition } of channels) add(channelNode(definition))
  for (const { definition } of channels) {
    const { name, source, enabled, acknowledge } = definition
    const id = channelId(name)
    const isFed = pieces.destinations.get(source.name)?.leadsTo !== undefined
    if (!isFed) {
      const claims = pieces.sources.get(source.name)?.claims?.(source.settings) ?? []
      add({ id: `source ${name}`, kind: 'source', title: source.name, details: [...claims], enabled })
      edges.push({ from: `source ${name}`, to: id, label: `answered when ${acknowledge}` })
    }
    for (const destination of definition.destinations) {
      const next = pieces.destinations.get(destination.to.name)?.leadsTo?.(destination.to.settings) ?? null
      const where = receiver(destination.to)
      const to = next === null ? `destination ${destination.to.name} ${where ?? `of ${name} ${destination.name}`}` : channelId(next)
      if (next === null) add({ id: to, kind: 'destination', title: destination.to.name, details: where === null ? [] : [where], enabled })
      else if (!nodes.has(to)) add({ id: to, kind: 'missing', title: next, details: ['there is no such channel'], enabled })
      edges.push({ from: id, to, label: labelOf(destination) })
    }
  }
  return { nodes: [...nodes.values()], edges }
}

const channelId = (name: string): string => `channel ${name}`

const channelNode = ({ name, format, steps, enabled, concurrency }: LoadedChannel['definition']): GraphNode => ({
  id: channelId(name), kind: 'channel', title: name, enabled,
  details: [
    `reads ${format.name}`,
    ...(steps.length > 0 ? [steps.map((step) => step.name).join(' → ')] : []),
    ...(concurrency > 1 ? [`${concurrency} at once, in no order`] : []),
    ...(enabled ? [] : ['not enabled']),
  ],
})

const labelOf = ({ name, partition, steps, whenRefused, whenUnknown }: ChannelDestination): string =>
  [
    name,
    ...(steps.length > 0 ? [steps.map((step) => step.name).join(' → ')] : []),
    ...(partition ? [`by ${partition.by}, ${partition.lanes} lanes`] : []),
    ...(whenRefused === 'hold' || whenUnknown === 'hold' ? ['holds'] : []),
  ].join(' · ')

/** Where a destination’s settings lead, without anything secret; null where they do not say. */
const receiver = ({ settings }: ChannelPiece): string | null => {
  const { host, port, url, folder, path } = settings
  if (typeof host === 'string') return typeof port === 'number' ? `${host}:${port}` : host
  if (typeof url === 'string') return URL.canParse(url) ? `${new URL(url).host}${new URL(url).pathname}` : null
  return typeof folder === 'string' ? folder : typeof path === 'string' ? path : null
}
