/** How far a patient lives from a place: `15 of 53703` is at most 15 miles, as the crow flies, from the middle of that ZIP code. */
import type { Kind } from './alternatives.js'
import { zipKey } from './codes.js'
import { type Csv, csvRecords } from './csv.js'

/** Latitude and longitude in degrees, by ZIP code. */
export type Places = ReadonlyMap<string, readonly [latitude: number, longitude: number]>

/** The places of `zip,lat,long` lines (a first line may name the columns). Throws a sentence with file:line:column. */
export const zipPlaces = (csv: Csv): Places => {
  const places = new Map<string, readonly [number, number]>()
  for (const [index, record] of csvRecords(csv).entries()) {
    const [zip, latitude, longitude] = record.map(({ text }) => text)
    if (index === 0 && zip?.toLowerCase() === 'zip') continue
    const [north, east] = [Number(latitude || Number.NaN), Number(longitude || Number.NaN)]
    if (!zip || zipKey(zip) === null || !(Math.abs(north) <= 90) || !(Math.abs(east) <= 180)) {
      throw new Error(`${csv.file}:${record[0]?.line ?? 1}:1: a line is a ZIP code, its latitude and its longitude in degrees: 53703,43.0747,-89.3837.`)
    }
    places.set(zip, [north, east])
  }
  return places
}

const EARTH_MILES = 3958.8
const radians = (degrees: number): number => (degrees * Math.PI) / 180

/** Great-circle distance in miles (haversine). */
export const miles = ([northA, eastA]: readonly [number, number], [northB, eastB]: readonly [number, number]): number => {
  const [a, b] = [radians(northA), radians(northB)]
  const half = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(radians(eastB - eastA) / 2) ** 2
  return 2 * EARTH_MILES * Math.asin(Math.sqrt(Math.min(1, half)))
}

const FARTHEST = 3000

/** The column `within`; a patient whose ZIP code has no place in the file is within nothing. */
export const within = (places: Places | null): Kind => ({
  elsewhere: '',
  parse: (text) => {
    const [, distance = '', zip = ''] = /^(\d{1,4})\s*(?:mi|miles)?\s+of\s+(\d{5})$/.exec(text) ?? []
    const most = Number(distance)
    if (distance === '' || most > FARTHEST) throw new Error(`is no distance in miles from a ZIP code, such as 15 of 53703 (at most ${FARTHEST})`)
    if (!places) throw new Error('needs mappings/routing/zips.csv, with lines of zip,lat,long')
    const centre = places.get(zip)
    if (!centre) throw new Error(`is from a ZIP code that mappings/routing/zips.csv does not know: ${zip}`)
    const holds = (value: string): boolean => {
      const place = places.get(zipKey(value) ?? '')
      return place !== undefined && miles(centre, place) <= most
    }
    return {
      holds, narrowness: 1 + FARTHEST - most + 1, samples: [zip], shape: { zip, most },
      covers: ({ shape }) => {
        const its = shape as { zip?: string; most?: number }
        const middle = places.get(its.zip ?? '')
        return middle !== undefined && miles(centre, middle) + (its.most ?? 0) <= most
      },
    }
  },
})
