alter table cards."Card" drop column if exists "jobTitle";
