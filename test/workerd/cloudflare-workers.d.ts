/** What the tests use of the runtime's own module; the bindings are those of `vitest.config.ts`. */
declare module "cloudflare:workers" {
  export const env: { readonly HYPERDRIVE: { readonly connectionString: string } };
}
