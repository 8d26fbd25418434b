create schema if not exists search;

create table if not exists search."SearchDocument" (
  "id" uuid primary key default gen_random_uuid(),
  "cardId" uuid not null references cards."Card" ("id") on delete cascade,
  "body" text not null,
  "createdAt" timestamptz not null default now()
);

create index if not exists "SearchDocument_body_idx" on search."SearchDocument" using gin (to_tsvector('simple', "body"));

insert into search."SearchDocument" ("id", "cardId", "body", "createdAt") values
  ('00000000-0000-4000-8000-000000000051', '00000000-0000-4000-8000-000000000011', 'charles babbage analytical engines', '2026-01-10T10:00:00Z');
