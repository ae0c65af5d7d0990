import type { Me } from "#/api/schema";

/** Who is signed in, in words. */
export function whoIs(me: Me): string {
  switch (me.role) {
    case "admin":
      return me.name ? `${me.name}, administrator` : "Administrator";
    case "person":
      return me.email ? `${me.name} (${me.email})` : me.name || "A person";
    default:
      return me.workspaceId ?? me.organisationId ?? me.name;
  }
}
