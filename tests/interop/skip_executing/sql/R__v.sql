SELECT never_either;
