create schema if not exists auth;

create table if not exists auth."AuthUser" (
  "id" uuid primary key default gen_random_uuid(),
  "email" text not null,
  "displayName" text not null,
  "createdAt" timestamptz not null default now()
);

do $$
begin
  if not exists (select 1 from pg_constraint where conname = 'AuthUser_email_key') then
    alter table auth."AuthUser" add constraint "AuthUser_email_key" unique ("email");
  end if;
end
$$;
