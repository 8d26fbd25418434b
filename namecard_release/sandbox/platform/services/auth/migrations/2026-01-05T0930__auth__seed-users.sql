insert into auth."AuthUser" ("id", "email", "displayName", "createdAt") values
  ('00000000-0000-4000-8000-000000000001', 'ada@namecard.example', 'Ada Lovelace', '2026-01-05T09:30:00Z'),
  ('00000000-0000-4000-8000-000000000002', 'grace@namecard.example', 'Grace Hopper', '2026-01-05T09:31:00Z');
