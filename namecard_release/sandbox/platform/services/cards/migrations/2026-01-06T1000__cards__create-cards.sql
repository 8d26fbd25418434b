create schema if not exists cards;

create table if not exists cards."Card" (
  "id" uuid primary key default gen_random_uuid(),
  "ownerId" uuid not null references auth."AuthUser" ("id") on delete cascade,
  "fullName" text not null,
  "company" text,
  "createdAt" timestamptz not null default now()
);

create index if not exists "Card_ownerId_idx" on cards."Card" ("ownerId");

insert into cards."Card" ("id", "ownerId", "fullName", "company", "createdAt") values
  ('00000000-0000-4000-8000-000000000011', '00000000-0000-4000-8000-000000000001', 'Charles Babbage', 'Analytical Engines', '2026-01-06T10:00:00Z'),
  ('00000000-0000-4000-8000-000000000012', '00000000-0000-4000-8000-000000000001', 'Mary Somerville', 'Analytical Engines', '2026-01-06T10:01:00Z'),
  ('00000000-0000-4000-8000-000000000013', '00000000-0000-4000-8000-000000000002', 'Howard Aiken', 'Harvard Mark I', '2026-01-06T10:02:00Z');
