"""Types and functions of PostgreSQL and its usual extensions that hold no surprise. Rules do not belong here."""

from __future__ import annotations

import re

# fmt: off
# Types whose NULL is allowed and that check nothing: every one but a domain. Named as the parser names them.
PLAIN_TYPES = frozenset({
    "bit", "bool", "box", "bpchar", "bytea", "char", "cidr", "circle", "citext", "cube", "date", "daterange",
    "datemultirange", "float4", "float8", "geography", "geometry", "halfvec", "hstore", "inet", "int2", "int4", "int8",
    "int4range", "int8range", "int4multirange", "int8multirange", "interval", "json", "jsonb", "jsonpath", "line",
    "lquery", "lseg", "ltree", "macaddr", "macaddr8", "money", "name", "numeric", "numrange", "nummultirange", "oid",
    "path", "point", "polygon", "regclass", "serial", "serial2", "serial4", "serial8", "bigserial", "smallserial",
    "sparsevec", "text", "time", "timestamp", "timestamptz", "timetz", "tsquery", "tsrange", "tsmultirange",
    "tstzrange", "tstzmultirange", "tsvector", "uuid", "varbit", "varchar", "vector", "xml",
})
# Functions in pg_catalog, pgcrypto and uuid-ossp that change no row and no schema; nextval and setval move a sequence.
# set_config is not among them (it moves the search path), nor is anything that runs a text, writes a file or ends
# another session.
HARMLESS_FUNCTIONS = frozenset({
    "abs", "age", "any_value", "array_agg", "array_append", "array_cat", "array_length", "array_lower",
    "array_position", "array_prepend", "array_remove", "array_replace", "array_to_json", "array_to_string",
    "array_upper", "ascii", "avg", "bit_and", "bit_or", "bool_and", "bool_or", "btrim", "cardinality", "ceil",
    "ceiling", "char_length", "character_length", "chr", "clock_timestamp", "col_description", "concat", "concat_ws",
    "convert_from", "convert_to", "count", "crypt", "cume_dist", "current_database", "current_schema",
    "current_schemas", "current_setting", "currval", "date_part", "date_trunc", "decode", "degrees", "dense_rank",
    "digest", "div", "encode", "every", "exp", "extract", "first_value", "floor", "format", "format_type",
    "gen_random_bytes", "gen_random_uuid", "gen_salt", "generate_series", "generate_subscripts", "greatest",
    "has_schema_privilege", "has_table_privilege", "hashtext", "hmac", "initcap", "isfinite", "json_agg",
    "json_array_elements", "json_array_elements_text", "json_build_array", "json_build_object", "json_each",
    "json_each_text", "json_extract_path", "json_extract_path_text", "json_object", "json_object_agg",
    "json_object_keys", "json_typeof", "jsonb_agg", "jsonb_array_elements", "jsonb_array_elements_text",
    "jsonb_array_length", "jsonb_build_array", "jsonb_build_object", "jsonb_each", "jsonb_each_text",
    "jsonb_extract_path", "jsonb_extract_path_text", "jsonb_insert", "jsonb_object", "jsonb_object_agg",
    "jsonb_object_keys", "jsonb_path_exists", "jsonb_path_query", "jsonb_pretty", "jsonb_set", "jsonb_strip_nulls",
    "jsonb_typeof", "justify_interval", "lag", "last_value", "lastval", "lead", "least", "left", "length", "ln",
    "log", "lower", "lpad", "ltrim", "make_date", "make_interval", "make_timestamp", "make_timestamptz", "max", "md5",
    "min", "mod", "mode", "nextval", "now", "nth_value", "ntile", "num_nonnulls", "num_nulls", "obj_description",
    "octet_length", "overlay", "parse_ident", "percent_rank", "percentile_cont", "percentile_disc",
    "pg_advisory_lock", "pg_advisory_unlock", "pg_advisory_xact_lock", "pg_backend_pid", "pg_column_size",
    "pg_get_constraintdef", "pg_get_expr", "pg_get_indexdef", "pg_get_serial_sequence", "pg_get_viewdef",
    "pg_is_in_recovery", "pg_relation_size", "pg_size_pretty", "pg_sleep", "pg_table_is_visible", "pg_table_size",
    "pg_total_relation_size", "pg_try_advisory_lock", "pg_try_advisory_xact_lock", "pg_typeof", "phraseto_tsquery",
    "plainto_tsquery", "position", "power", "quote_ident", "quote_literal", "quote_nullable", "radians", "random",
    "rank", "regexp_match", "regexp_matches", "regexp_replace", "regexp_split_to_array", "regexp_split_to_table",
    "repeat", "replace", "reverse", "right", "round", "row_number", "row_to_json", "rpad", "rtrim", "setval",
    "setweight", "sha256", "sign", "split_part", "sqrt", "starts_with", "statement_timestamp", "stddev", "string_agg",
    "string_to_array", "strpos", "substr", "substring", "sum", "timezone", "to_char", "to_date", "to_hex", "to_json",
    "to_jsonb", "to_number", "to_regclass", "to_regtype", "to_timestamp", "to_tsquery", "to_tsvector",
    "transaction_timestamp", "translate", "trim", "trunc", "ts_rank", "unnest", "upper", "uuid_generate_v1",
    "uuid_generate_v1mc", "uuid_generate_v4", "uuid_generate_v5", "uuidv4", "uuidv7", "variance", "version",
    "websearch_to_tsquery", "width_bucket", "xmlagg", "nullif", "txid_current", "pg_current_xact_id",
})
# fmt: on
_SIZED = re.compile(r"varchar\((\d+)\)")
# Types that refuse a value for its size.
_NARROW = re.compile(r"(varchar|bpchar|bit|varbit|numeric)\(|bpchar$|int2$")


def is_plain(kind: str) -> bool:
    """Tell whether a type, sized or an array, surely allows NULL and checks nothing."""
    return kind.removesuffix("[]").removesuffix("[]").partition("(")[0] in PLAIN_TYPES


def holds(kind: str, needed: str) -> bool:
    """Tell whether a column of a type surely holds a default; `needed` is the narrowest type of a text, else empty."""
    return _NARROW.match(kind) is None or (bool(needed) and widens(needed, kind))


def widens(old: str, new: str) -> bool:
    """Tell whether a change of type keeps every value, and every value that may be written, as drivers see them.

    The same type; a longer varchar; varchar to text (PostgreSQL documentation, "Character Types").
    """
    if old == new:
        return True
    sized = _SIZED.fullmatch(old)
    if old != "varchar" and sized is None:
        return False
    wider = _SIZED.fullmatch(new)
    if wider is not None:
        return sized is not None and int(wider[1]) >= int(sized[1])
    return new in ("text", "varchar")
