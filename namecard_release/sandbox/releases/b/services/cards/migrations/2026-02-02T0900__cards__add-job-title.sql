alter table cards."Card" add column if not exists "jobTitle" text;
