/** What /health and /ready answer. */
import Type from 'typebox'
import { orNull } from './schemas.js'

const Sentences = (description: string) => Type.Array(Type.String(), { description })

export const Up = Type.Object({ status: Type.Enum(['up']) }, { description: 'The process answers.' })

/** 200 and 503 have the same shape: a program that asks may read either. */
export const Ready = Type.Object({
  ready: Type.Boolean({ description: 'Nothing is wrong.' }),
  wrong: Sentences('What is wrong now, and what to do.'),
  waiting: Sentences('What waits for a receiver, or for a person to decide.'),
  resting: Sentences('What somebody has paused or stopped, who, and why.'),
  incidents: Sentences('What watching has found and is not resolved.'),
  channels: Type.Array(Type.Object({ name: Type.String(), state: Type.String({ examples: ['running'] }), listening: orNull(Type.String({ examples: ['mllp://0.0.0.0:2575'] })) })),
}, { description: '200 when `ready`, else 503.' })
