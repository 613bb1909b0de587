// Types of the imports that are not code.

declare module "*.css";

declare module "worker:*" {
  const url: string;
  export default url;
}

declare module "style:*" {
  const url: string;
  export default url;
}

declare module "wasm:framescope" {
  const url: string;
  export default url;
}
