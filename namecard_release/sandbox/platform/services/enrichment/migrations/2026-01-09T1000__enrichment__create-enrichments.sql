create schema if not exists enrichment;

create table if not exists enrichment."Enrichment" (
  "id" uuid primary key default gen_random_uuid(),
  "cardId" uuid not null references cards."Card" ("id") on delete cascade,
  "provider" text not null,
  "status" text not null default 'queued',
  "createdAt" timestamptz not null default now()
);

insert into enrichment."Enrichment" ("id", "cardId", "provider", "status", "createdAt") values
  ('00000000-0000-4000-8000-000000000041', '00000000-0000-4000-8000-000000000011', 'directory', 'done', '2026-01-09T10:00:00Z');
