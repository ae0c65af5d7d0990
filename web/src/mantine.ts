/** The styles of all of Mantine's components. */
import "@mantine/core/styles.layer.css";
