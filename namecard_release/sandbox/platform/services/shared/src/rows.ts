import type { Pool } from 'pg';
import type { ColumnOf, TableName } from './generated/tables';

export class ValidationError extends Error {
  override name = 'ValidationError';
}

export interface RowSource<T extends TableName> {
  table: T;
  columns: readonly ColumnOf<T>[];
}

export interface Page {
  limit: number;
  /** The last row of the page before; rows are read from the newest to the oldest. */
  after?: { createdAt: string; id: string };
}

export interface Query {
  text: string;
  values: unknown[];
}

const quoted = (name: string): string => `"${name}"`;
const qualified = (table: string): string => {
  const [schema, name] = table.split('.');
  return `${schema}."${name}"`;
};

export function pageQuery<T extends TableName>(source: RowSource<T>, page: Page): Query {
  const values: unknown[] = [page.limit];
  let where = '';
  if (page.after) {
    values.push(page.after.createdAt, page.after.id);
    where = ' where ("createdAt", "id") < ($2::timestamptz, $3::uuid)';
  }
  const columns = source.columns.map(quoted).join(', ');
  return {
    text: `select ${columns} from ${qualified(source.table)}${where} order by "createdAt" desc, "id" desc limit $1`,
    values,
  };
}

export async function listRows<T extends TableName>(pool: Pool, source: RowSource<T>, page: Page): Promise<Record<string, unknown>[]> {
  const query = pageQuery(source, page);
  return (await pool.query<Record<string, unknown>>(query.text, query.values)).rows;
}

export async function insertRow<T extends TableName>(
  pool: Pool,
  source: RowSource<T>,
  row: Partial<Record<ColumnOf<T>, unknown>>,
): Promise<Record<string, unknown>> {
  const names = Object.keys(row);
  const text =
    `insert into ${qualified(source.table)} (${names.map(quoted).join(', ')}) ` +
    `values (${names.map((_, index) => `$${index + 1}`).join(', ')}) ` +
    `returning ${source.columns.map(quoted).join(', ')}`;
  const answer = await pool.query<Record<string, unknown>>(text, Object.values(row));
  return answer.rows[0] ?? {};
}

export async function deleteRow(pool: Pool, table: TableName, id: string): Promise<boolean> {
  const answer = await pool.query(`delete from ${qualified(table)} where "id" = $1`, [id]);
  return (answer.rowCount ?? 0) > 0;
}
