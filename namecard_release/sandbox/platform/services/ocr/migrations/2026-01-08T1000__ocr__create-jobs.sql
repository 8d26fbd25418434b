create schema if not exists ocr;

create table if not exists ocr."OcrJob" (
  "id" uuid primary key default gen_random_uuid(),
  "uploadId" uuid not null references uploads."Upload" ("id") on delete cascade,
  "status" text not null default 'queued',
  "text" text,
  "createdAt" timestamptz not null default now()
);

insert into ocr."OcrJob" ("id", "uploadId", "status", "text", "createdAt") values
  ('00000000-0000-4000-8000-000000000031', '00000000-0000-4000-8000-000000000021', 'done', 'Charles Babbage, Analytical Engines', '2026-01-08T10:00:00Z');
