alter table cards."Card" add column if not exists "companySlug" text;

alter table cards."Card" add constraint "Card_company_key" unique ("company");
