// What the build makes of imports that are no code.

declare module "*.css";

declare module "worker:*" {
  const url: string;
  export default url;
}

declare module "wasm:framescope" {
  const url: string;
  export default url;
}
