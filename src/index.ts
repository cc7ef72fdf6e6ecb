/** Placeholder until the plugin array lands. */
export default [];
