   
	CREATE TABLE blanks (id int);   
   INSERT INTO blanks VALUES (1);	
