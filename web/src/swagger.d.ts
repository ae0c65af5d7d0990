declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  /** What hostel uses of it; all is in its documentation. */
  export default function SwaggerUi(options: {
    url: string;
    dom_id: string;
    deepLinking: boolean;
    docExpansion: "none";
    filter: boolean;
    tagsSorter: "alpha";
    tryItOutEnabled: boolean;
    validatorUrl: null;
  }): void;
}
