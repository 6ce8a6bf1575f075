// duckdb.mjs FOLDER FILE COLUMNS QUERY: the third run of a query over the NDJSON file, as table
// `rows`, written as NDJSON to nowhere, in one thread. Prints its seconds of wall clock and CPU.
import { createRequire } from 'node:module';

const [folder, file, columns, query] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(`${folder}/package.json`)('@duckdb/node-api');
const typed = columns.split(', ').map((c) => c.split(' ')).map(([name, type]) => `${name}: '${type}'`).join(', ');
const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const connection = await instance.connect();
await connection.run(`CREATE VIEW rows AS SELECT * FROM read_json('${file}', format = 'newline_delimited',
  columns = {${typed}})`);
let answer;
for (let run = 0; run < 3; ++run) {
  const began = performance.now();
  const used = process.cpuUsage();
  await connection.run(`COPY (${query}) TO '/dev/null' (FORMAT json)`);
  const { user, system } = process.cpuUsage(used);
  answer = { wall: (performance.now() - began) / 1e3, cpu: (user + system) / 1e6 };
}
console.log(JSON.stringify(answer));
