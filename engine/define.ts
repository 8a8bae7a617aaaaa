/** How a folder declares what it offers. These only carry types: each returns what it is given. */
import type { TSchema } from 'typebox'
import type { Definition, DestinationConnector, MessageFormat, SourceConnector, TransformStep } from './contracts.js'

/** connectors/<name>/source.ts */
export const defineSource = <S extends TSchema>(definition: Definition<S, SourceConnector>): Definition<S, SourceConnector> => definition
/** connectors/<name>/destination.ts; `create` makes one connection, and is called once a lane. */
export const defineDestination = <S extends TSchema>(definition: Definition<S, DestinationConnector>): Definition<S, DestinationConnector> => definition
/** transforms/<name>/index.ts */
export const defineTransform = <S extends TSchema>(definition: Definition<S, TransformStep>): Definition<S, TransformStep> => definition
/** engine/formats/<name>/index.ts */
export const defineFormat = <S extends TSchema>(definition: Definition<S, MessageFormat>): Definition<S, MessageFormat> => definition
