create schema if not exists uploads;

create table if not exists uploads."Upload" (
  "id" uuid primary key default gen_random_uuid(),
  "ownerId" uuid not null references auth."AuthUser" ("id") on delete cascade,
  "fileName" text not null,
  "contentType" text not null,
  "sizeBytes" integer not null check ("sizeBytes" >= 0),
  "createdAt" timestamptz not null default now()
);

insert into uploads."Upload" ("id", "ownerId", "fileName", "contentType", "sizeBytes", "createdAt") values
  ('00000000-0000-4000-8000-000000000021', '00000000-0000-4000-8000-000000000001', 'babbage.jpg', 'image/jpeg', 48213, '2026-01-07T10:00:00Z');
