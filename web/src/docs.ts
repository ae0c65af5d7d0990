import "swagger-ui-dist/swagger-ui.css";
import "./docs.css";
import SwaggerUi from "swagger-ui-dist/swagger-ui-es-bundle.js";

// Nothing is asked of other servers: no validator, no fonts, no samples.
SwaggerUi({
  url: "/api/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  tagsSorter: "alpha",
  tryItOutEnabled: true,
  validatorUrl: null,
});
