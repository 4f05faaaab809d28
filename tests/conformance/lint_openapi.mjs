// Checks an OpenAPI description with Redocly's rules: node lint_openapi.mjs OPENAPI_CORE DESCRIPTION
const { lint, createConfig } = await import(process.argv[2]);
const rules = [
  "struct", "no-unresolved-refs", "nullable-type-sibling", "operation-operationId-unique", "path-parameters-defined",
  "operation-parameters-unique", "no-empty-servers", "path-declaration-must-exist", "security-defined",
  "no-enum-type-mismatch", "operation-2xx-response", "operation-4xx-response", "parameter-description",
];
const config = await createConfig({ rules: Object.fromEntries(rules.map((rule) => [rule, "error"])) });
const problems = await lint({ ref: process.argv[3], config });
for (const problem of problems) console.log(problem.ruleId, problem.message, problem.location?.[0]?.pointer);
process.exit(problems.length ? 1 : 0);
