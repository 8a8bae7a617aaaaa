/** The tables of the embedded store, and how a file of an older version is brought to them. */
import type { Schema } from './open-database.js'

/**
 * What is rewritten often (message, delivery) is small; bytes lie in tables of their own and are written once.
 * Checks are comparisons joined by `or`: for a list (`in`) SQLite would fill a temporary table at every insert.
 * `active` (queued, sending, held) repeats what `status` says so that a partial index need not be touched by every change of status.
 */
const VERSION_1 = `
  create table channel (
    id   integer primary key,
    name text not null unique
  ) strict;

  create table queue (
    id          integer primary key,
    channel_id  integer not null references channel (id),
    destination text not null,
    lanes       integer not null default 1 check (lanes > 0),
    unique (channel_id, destination)
  ) strict;

  create table attachment (
    id    integer primary key,
    hash  blob not null unique check (length(hash) = 32),
    bytes blob not null
  ) strict;

  create table message (
    id               integer primary key autoincrement,
    channel_id       integer not null references channel (id),
    received_at      integer not null,
    content          integer not null default 1 check (content = 0 or content = 1),
    status           text not null check (status = 'received' or status = 'filtered' or status = 'transformed' or status = 'error'),
    size             integer not null check (size >= 0),
    control_id       text,
    type             text,
    origin           text not null,
    key              text,
    hash             blob check (length(hash) = 32),
    reason           text,
    verdict          text check (verdict = 'accepted' or verdict = 'error' or verdict = 'rejected'),
    reply_reason     text check (reply_reason is null or verdict is not null),
    acknowledgements blob check ((acknowledgements is null) = (verdict is null)),
    check (content = 1 or status <> 'received')
  ) strict;
  create index message_waiting on message (channel_id) where status = 'received';
  create index message_error on message (status) where status = 'error';
  create index message_control on message (control_id, channel_id, hash) where control_id is not null;
  create unique index message_key on message (channel_id, key) where key is not null;
  create index message_age on message (channel_id, content, received_at);

  create table message_bytes (
    message_id    integer primary key references message (id),
    attachment_id integer references attachment (id),
    bytes         blob,
    check ((bytes is null) <> (attachment_id is null))
  ) strict;
  create index message_bytes_attachment on message_bytes (attachment_id) where attachment_id is not null;

  create table delivery (
    id                     integer primary key autoincrement,
    message_id             integer not null references message (id),
    queue_id               integer not null references queue (id),
    lane                   integer not null check (lane >= 0),
    hash                   integer check (hash between 0 and 2147483647),
    status                 text not null check (status = 'queued' or status = 'sending' or status = 'sent' or status = 'held' or status = 'error'),
    active                 integer not null check (active = (status = 'queued' or status = 'sending' or status = 'held')),
    attempts               integer not null check (attempts >= (status = 'sending' or status = 'sent')),
    due_at                 integer check (due_at is null or status = 'queued'),
    size                   integer not null check (size >= 0),
    reason                 text,
    response_attachment_id integer references attachment (id),
    response               blob,
    check (hash is not null or lane = 0)
  ) strict;
  create index delivery_waiting on delivery (queue_id, lane) where active = 1;
  create index delivery_barrier on delivery (queue_id) where active = 1 and hash is null;
  create index delivery_message on delivery (message_id);
  create index delivery_attention on delivery (status, queue_id, message_id) where status = 'held' or status = 'error';
  create index delivery_attachment on delivery (response_attachment_id) where response_attachment_id is not null;

  create table payload (
    delivery_id   integer primary key references delivery (id),
    attachment_id integer references attachment (id),
    bytes         blob,
    check ((bytes is null) <> (attachment_id is null))
  ) strict;
  create index payload_attachment on payload (attachment_id) where attachment_id is not null;

  create table index_value (
    message_id integer not null references message (id),
    name       text not null,
    value      text not null,
    primary key (message_id, name, value)
  ) strict, without rowid;
  create index index_value_search on index_value (value, message_id, name);

  create table history (
    message_id integer not null references message (id),
    sequence   integer not null,
    at         integer not null,
    what       text not null check (
      what = 'received' or what = 'filtered' or what = 'transformed' or what = 'error' or what = 'queued' or what = 'sent' or what = 'held' or
      what = 'refused' or what = 'retry' or what = 'duplicate' or what = 'acknowledged' or what = 'replayed' or what = 'skipped'),
    queue_id   integer references queue (id),
    reason     text,
    person     text,
    primary key (message_id, sequence)
  ) strict, without rowid;
`

/**
 * Revisions of channels; the one destination that a message is put back before its steps for (`only_queue_id`); failures that somebody has settled (`resolved`); and indexes that give the messages of a channel and a type,
 * or of a status, newest first. `identity` tells one store from another, so that what is derived from this one is not taken for another's.
 */
const VERSION_2 = `
  create table store (identity text not null) strict;
  insert into store (identity) values (lower(hex(randomblob(16))));

  create table revision (
    id         integer primary key,
    channel_id integer not null references channel (id),
    hash       text not null,
    unique (channel_id, hash)
  ) strict;

  alter table message add column revision_id integer references revision (id);
  alter table message add column only_queue_id integer references queue (id);
  drop index message_error;
  create index message_error on message (channel_id) where status = 'error';
  create index message_filtered on message (channel_id) where status = 'filtered';
  create index message_type on message (channel_id, type);

  alter table delivery add column resolved integer not null default 0 check (resolved = 0 or (resolved = 1 and status = 'error'));
  update delivery set resolved = 1 where status = 'error' and reason like 'Skipped by %';
  drop index delivery_attention;
  create index delivery_attention on delivery (status, queue_id, message_id) where status = 'held' or (status = 'error' and resolved = 0);
`

/** Deliveries of which an attempt ended unknown (`doubtful`): whoever handed the message in is told so. */
const VERSION_3 = `
  alter table delivery add column doubtful integer not null default 0 check (doubtful = 0 or doubtful = 1);
  update delivery set doubtful = 1 where id in (
    select d.id from history h join delivery d on d.message_id = h.message_id and d.queue_id = h.queue_id where h.reason like 'unknown: %');
`

/** The message store's file: "REFR". */
export const STORE: Schema = { applicationId: 0x52454652, migrations: [VERSION_1, VERSION_2, VERSION_3] }
