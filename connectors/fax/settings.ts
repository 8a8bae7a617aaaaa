/** The settings that both ends of a fax service share. */
import { type Static, Type } from 'typebox'

const Text = (description: string) => Type.String({ minLength: 1, maxLength: 2000, description })

/** Our account at the service, by what services ask for. */
export const ApiSettings = Type.Object({
  base: Type.Optional(Type.String({ pattern: '^https?://[^\\s]+$', maxLength: 1000, description: 'Its address, instead of the one in mappings/fax/.' })),
  key: Type.Optional(Text(`The API key or token: \`\${secret:name}\`.`)),
  user: Type.Optional(Text('The user, or the access id.')),
  password: Type.Optional(Text(`Its password: \`\${secret:name}\`.`)),
  account: Type.Optional(Text('The account.')),
  project: Type.Optional(Text('The project (Sinch).')),
  product: Type.Optional(Text('The product (WestFax).')),
  connection: Type.Optional(Text('The connection (Telnyx).')),
  email: Type.Optional(Text('The address of the sender, where the service asks for one (SRFax).')),
  host: Type.Optional(Text('The host of hfaxd (HylaFAX).')),
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, default: 4559, description: 'The port of hfaxd (HylaFAX).' })),
}, { additionalProperties: false, description: 'Our account at the service.' })

export type Api = Partial<Omit<Static<typeof ApiSettings>, 'port'>> & { readonly port?: number } & { readonly [name: string]: string | number | undefined }

export const NAME = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,39}$', description: 'What the service is called in the id of a fax; without it, the provider. Two accounts need two names, and both ends of one the same.' })
export const COUNTRY = Type.String({ pattern: '^[1-9][0-9]{0,2}$', default: '1', description: 'The country code of numbers that are written without one.' })
export const MAPPING = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9/_-]*$', maxLength: 200, description: 'The file of mappings/ that describes the service, without `.yaml`; without it, `fax/<provider>`.' })
