SELECT never;
