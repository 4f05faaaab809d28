import { createNodeResolver, importX } from "eslint-plugin-import-x";
import a11y from "eslint-plugin-jsx-a11y-x";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules", "src/api/schema.d.ts", "*.config.*"] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    files: ["src/**/*.{ts,tsx}"],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    plugins: { "react-hooks": hooks, "import-x": importX, "jsx-a11y-x": a11y },
    settings: {
      "import-x/resolver-next": [createNodeResolver({ extensions: [".ts", ".tsx"] })],
      "import-x/parsers": { "@typescript-eslint/parser": [".ts", ".tsx"] },
    },
    rules: {
      ...a11y.configs.recommended.rules,
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      "import-x/no-cycle": ["error", { ignoreExternal: true }],
      "import-x/no-self-import": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "no-restricted-imports": [
        "error",
        {
          paths: [
            {
              name: "@mantine/core",
              importNames: ["Modal", "Drawer"],
              message: "Dialogs are those of components/dialogs: they ask before they drop what was typed.",
            },
            { name: "@mantine/modals", message: "Dialogs are those of components/dialogs." },
          ],
        },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "TSAsExpression > TSNeverKeyword",
          message: "A cast to never switches the types off: give the value its type.",
        },
      ],
    },
  },
  {
    // Where dialogs are made, and the one that nobody can close.
    files: ["src/components/dialogs.tsx", "src/features/account/SignInAgain.tsx"],
    rules: { "no-restricted-imports": "off" },
  },
);
