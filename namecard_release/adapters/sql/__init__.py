"""PostgreSQL's own parser (pglast), turned into the domain's typed facts. What they mean is not judged here."""
