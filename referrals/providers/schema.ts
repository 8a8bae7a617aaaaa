/** The tables of the provider directory, in the desk's file beside others, with a version of their own. */
import type { Database } from 'better-sqlite3'
import { ReferoError } from '../../engine/errors.js'

/**
 * A provider that was merged into another keeps its row, so that old ids lead on; its ways and aliases move.
 * `key` columns are what is compared: letters of a family name, words of a practice, digits of a number.
 */
const VERSION_1 = `
  create table provider (
    id           integer primary key autoincrement,
    kind         text not null check (kind = 'person' or kind = 'practice'),
    npi          text unique check (length(npi) = 10),
    name         text check (name is null or kind = 'person'),
    family_key   text,
    practice     text,
    practice_key text,
    practice_id  integer references provider (id),
    specialty    text,
    address      text,
    preferred    text,
    first_seen   text not null,
    last_seen    text not null,
    merged_into  integer references provider (id)
  ) strict;
  create index provider_family on provider (family_key) where family_key is not null;
  create index provider_practice on provider (practice_key, kind) where practice_key is not null;
  create index provider_members on provider (practice_id) where practice_id is not null;
  create index provider_last_seen on provider (last_seen, id) where merged_into is null;
  create index provider_merged on provider (merged_into) where merged_into is not null;

  create table provider_way (
    provider integer not null references provider (id),
    way      text not null,
    key      text not null,
    address  text not null,
    learned  text not null,
    number   integer not null,
    primary key (provider, way, key)
  ) strict, without rowid;
  create index provider_way_key on provider_way (key, way);

  create table provider_identifier (
    provider integer not null references provider (id),
    system   text not null,
    value    text not null,
    type     text,
    primary key (provider, system, value)
  ) strict, without rowid;

  create table provider_alias (
    provider integer not null references provider (id),
    alias    text not null,
    primary key (provider, alias)
  ) strict, without rowid;

  create table provider_doubt (
    provider integer not null references provider (id),
    says     text not null,
    primary key (provider, says)
  ) strict, without rowid;

  create table provider_history (
    id       integer primary key,
    provider integer not null references provider (id),
    at       text not null,
    by       text not null,
    what     text not null,
    why      text not null
  ) strict;
  create index provider_history_of on provider_history (provider, id);

  create virtual table provider_words using fts5 (text, content = '', contentless_delete = 1, detail = none, prefix = '3');
`

/** Whom only a name is known of, by all that their sender says of them. */
const VERSION_2 = `
  create table provider_named (
    key      text not null primary key,
    provider integer not null references provider (id)
  ) strict, without rowid;
`

/** Ways that have failed for good, and why. */
const VERSION_3 = `
  alter table provider_way add column failed_at text;
  alter table provider_way add column failed_reason text;
`

const MIGRATIONS = [VERSION_1, VERSION_2, VERSION_3]

/** Brings the directory's tables to the present version; each step is one transaction. Throws STORE_TOO_NEW. */
export const migrateProviders = (database: Database): void => {
  database.exec('create table if not exists provider_version (version integer not null) strict')
  const version = Number(database.prepare('select max(version) from provider_version').pluck().get() ?? 0)
  if (version > MIGRATIONS.length) throw new ReferoError('STORE_TOO_NEW', `Its provider directory has version ${version}; this program knows ${MIGRATIONS.length}.`)
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < version) continue
    database.transaction(() => {
      database.exec(sql)
      database.prepare('insert into provider_version (version) values (?)').run(index + 1)
    }).immediate()
  }
}
