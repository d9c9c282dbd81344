/** The engine in a worker of the page. */
export {};
